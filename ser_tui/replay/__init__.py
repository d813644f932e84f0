"""How strategies would have done on trials that were recorded: no training, so that hundreds of searches can be averaged."""
