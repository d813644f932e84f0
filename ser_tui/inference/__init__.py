"""What a trained model is for: predictions, pooled features, exports. A process of its own; the interface never imports it."""
