"""Registers: reads of a meter's display, stored as they were read, and the consumption calculated from them.

Reads are rows of the registry and never change: a batch adds reads, or withdraws some; all batches that are done
decide which reads are effective. The consumption between them is stored in the lake as day rows, and recalculated
whenever a read is added, corrected or withdrawn. Tanks work alike: deliveries and dips are stored, the fuel used
between them is calculated.
"""
