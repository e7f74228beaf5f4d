"""The covenant authority's offline tool: who takes part, the key ceremony, the signature."""
