"""Files for people: lists and tables as CSV and as workbooks. The only room that writes spreadsheets."""
