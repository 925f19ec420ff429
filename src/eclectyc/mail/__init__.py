"""Mails that look like their organisation: text and HTML, through SMTP or, without a server, into the home."""
