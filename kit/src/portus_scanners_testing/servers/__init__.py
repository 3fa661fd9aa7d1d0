"""Servers on loopback: their common floor, faults that they can be told to show, scripts, recorded answers."""
