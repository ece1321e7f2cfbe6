"""Jobs, workflows and crawlers: start, follow, preview, and what came of their rows."""
