"""Feeds collect files from SFTP folders, folders of the server and web addresses on a schedule."""
