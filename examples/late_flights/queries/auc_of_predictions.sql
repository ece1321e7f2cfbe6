-- The share of pairs of a late and a punctual flight whose scores are in the right order; ties count half.
WITH scored AS (
  SELECT p.score, CASE WHEN d.late THEN 1 ELSE 0 END AS late
  FROM ${ml}.late_flights_predictions AS p
  JOIN ${curated}.departures AS d
    ON d.carrier = p.carrier AND d.flight = p.flight AND d.time_hour = p.known_at + INTERVAL '1' HOUR
  WHERE d.late IS NOT NULL
),
counted AS (SELECT score, sum(late) AS ones, sum(1 - late) AS zeros FROM scored GROUP BY score),
ranked AS (SELECT ones, zeros, sum(zeros) OVER (ORDER BY score) - zeros AS below FROM counted)
SELECT sum(CAST(ones AS double) * (below + zeros / 2.0)) / (sum(CAST(ones AS double)) * sum(zeros)) AS auc FROM ranked
