"""The stacks: up, down, what is deployed and what is left."""
