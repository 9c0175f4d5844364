"""One file an operator: `judge(wanted) -> (value -> bool)`, or ValueError that ends the sentence "VALUE …"."""
