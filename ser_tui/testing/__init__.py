"""Conformance kits for what other packages bring: strategies (`strategies`) and encoders (`encoders`). Run them from your own tests."""
