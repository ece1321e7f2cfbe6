-- The pages by the number of their views.
SELECT page, count(*) AS views, count(DISTINCT visitor) AS visitors
FROM "${streams}".clicks
GROUP BY page
ORDER BY views DESC, page
