"""Uploaded files – from a page, the API or a feed – stored until they are imported in the background."""
