"""What a lake costs on AWS, reckoned from lake.yaml and a dated table of prices."""
