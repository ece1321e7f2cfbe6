"""The Spark side of the lake: what a job's specification says, done with DataFrames."""
