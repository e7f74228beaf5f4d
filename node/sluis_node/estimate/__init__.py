"""What linkage keys are worth, estimated from a node's own data without labels; nothing leaves the node.

`pairs` counts how the persons of a caseload agree, `em` tells the same from different, `report` reads off m and u.
It changes no rules: those are the covenant's, and the same for everybody.
"""

from .report import KeyEstimate, Report, ThresholdCost, estimate

__all__ = ["KeyEstimate", "Report", "ThresholdCost", "estimate"]
