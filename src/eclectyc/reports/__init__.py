"""Lists and tables as CSV files and workbooks."""
