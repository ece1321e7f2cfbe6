"""The Spark side of the lake: runs the steps of a job's specification on DataFrames."""
