"""Reads latency.hlog with the log reader of HdrHistogram for Python; prints what it found as JSON."""
import json
import sys

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

reader = HistogramLogReader(sys.argv[1], HdrHistogram(1_000, 3_600_000_000_000, 3))
intervals = []
while (histogram := reader.get_next_interval_histogram()) is not None:
    intervals.append(
        {
            "tag": histogram.get_tag(),
            "count": histogram.get_total_count(),
            "mean_ns": histogram.get_mean_value(),
            "max_ns": histogram.get_max_value(),
            "from_ms": histogram.get_start_time_stamp(),
            "to_ms": histogram.get_end_time_stamp(),
        }
    )
reader.close()
print(json.dumps({"start_s": reader.get_start_time_sec(), "intervals": intervals}))
