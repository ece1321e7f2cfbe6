"""Benchmarks for the measured claims, one command each. Results are ratios, because machines are shared and noisy."""
