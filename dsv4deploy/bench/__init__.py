"""The published benchmark: its scenarios, run with aiperf and compared with published figures.

Figures that come from a simulator of the engine say so wherever they are shown. This project has
no NPU: what it calls published was measured and published by others.
"""
