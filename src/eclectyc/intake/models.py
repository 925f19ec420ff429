"""Loads the models of the room, which are kept beside what uses them: Django looks for an app's models here."""

from eclectyc.intake.feeds.models import Feed, FeedFile
from eclectyc.intake.profiles.models import ImportProfile
from eclectyc.intake.push.models import Push
from eclectyc.intake.uploads.models import Upload

__all__ = ["Feed", "FeedFile", "ImportProfile", "Push", "Upload"]
