"""Emails in the look of an organisation, in text and HTML: sent by SMTP or, without a server, stored in the home."""
