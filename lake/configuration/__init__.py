"""What lake.yaml says: the model, its rules, names, and how a mistake is told."""
