"""How fast the main job is, each number beside its floor in the same run. Not part of the tests."""
