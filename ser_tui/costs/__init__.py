"""What trials cost: calibration, what was measured, forecasts."""
