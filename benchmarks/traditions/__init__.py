"""Invented persons in many naming traditions, entered twice: for measurement only (`benchmarks.parity`, rule 24).

A tradition is how people are named: which parts a name has, which of them are inherited, how it is spelt in Latin
letters. It is the label of a measurement and nothing else: no record, no key, no rule and no program has it, and no
product package imports this one (rule 1). A file of names says nothing about the persons who have such names.
"""
