"""Open files on disk as text: plain or gzip, in any common encoding; workbooks become CSV."""
