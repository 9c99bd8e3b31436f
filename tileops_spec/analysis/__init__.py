"""What follows from a spec: values with error bounds, test cases, cost, structure."""
