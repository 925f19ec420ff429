"""The one way in: a file becomes day rows. Recognise, read, resolve, place, write, report."""
