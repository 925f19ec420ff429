"""Feeds: places where files turn up – an SFTP folder, a folder, an address – looked at on a schedule."""
