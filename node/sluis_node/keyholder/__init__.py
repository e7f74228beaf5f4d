"""The key holder role: one share of the key, the ceremony that makes it, evaluations within a quota."""
