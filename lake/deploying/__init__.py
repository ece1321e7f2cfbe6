"""Deploys and destroys the stacks, and shows what is deployed and what is left over."""
