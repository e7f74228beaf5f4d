"""The municipality's part in the national totals: it counts its own cases, people approve, and the node does the rest.

counting    from cases to figures
periods     what is on file of each period: figures, what was signed, how far it is
taking_part enrols, contributes, says the last word, once each
desk        what people see and approve
"""
