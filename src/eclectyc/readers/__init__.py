"""Readers: a file on disk becomes blocks of rows. ``files`` opens the file, unpacks it and yields its text as a
``Source``; ``recognise`` samples the first lines and asks the readers in ``formats`` which of them fits; that reader
yields blocks (``blocks``), with the help of ``tables``, and the lines it rejects. ``open_file`` does all of it for one
file, ``prefetch`` in a thread. Readers know the file and nothing else: no registry, no lake, no site's time zone. Pure.
"""
