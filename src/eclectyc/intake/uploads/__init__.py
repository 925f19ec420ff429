"""Files that arrived – by a page, the API or a feed – kept until they are imported in the background."""
