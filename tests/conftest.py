"""For all tests."""

from hypothesis import settings

# The machines that run the suite are shared: how long an example takes says nothing about the code.
settings.register_profile("sluis", deadline=None)
settings.load_profile("sluis")
