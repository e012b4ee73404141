"""Chains of forecasting blocks over the windows of series."""
