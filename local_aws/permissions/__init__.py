"""Who may do what: IAM's policies, evaluated before a call goes on (docs/adr/0035-iam-is-enforced.md)."""
