"""From waveforms to a trial's score: audio, batches, features, fine-tuning, probes, metrics."""
