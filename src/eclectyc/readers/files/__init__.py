"""From a file on disk to lines of text: packed or not, whatever its encoding, a table or a workbook."""
