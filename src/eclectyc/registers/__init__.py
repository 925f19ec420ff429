"""Registers: what a meter's display shows, kept as it was read, and the use worked out from it.

Reads are rows of the registry and are never changed: a batch adds reads, or takes some back; which of them stand is the
fold of all batches that are done. The use between them goes into the lake as day rows and is worked out anew whenever a
read is added, corrected or taken back (DESIGN, rule 7). Tanks are treated likewise: deliveries and dips are kept, the
fuel used between them is worked out.
"""
