"""Measured claims, each one command. All are ratios within one run: the machines are shared and noisy."""
