"""Property tests of the schemas: no deadline, since a busy machine is no fault of theirs."""

from hypothesis import settings

settings.register_profile("roxy", deadline=None)
settings.load_profile("roxy")
