-- An event is late where the watermark has passed it: no window that it belongs to has ended otherwise.
CREATE TEMPORARY VIEW on_time AS
SELECT * FROM events
WHERE `_reason` IS NULL AND (CURRENT_WATERMARK(`_time`) IS NULL OR `_time` > CURRENT_WATERMARK(`_time`))
