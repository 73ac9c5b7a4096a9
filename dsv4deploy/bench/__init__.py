"""The published benchmark: its scenarios, run with aiperf and compared with published figures.

Figures from a simulator of the engine are marked as such wherever they are shown. This project has
no NPU: what it calls published was measured and published by others.
"""
