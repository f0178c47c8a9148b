"""Web captures (网页取证): who ordered which, the scheduler's work on them, plans to capture again, retention.
What a capture gave is dated, recorded in the log and kept, and put into evidence packages."""

from appliance.captures.recording import CaptureRecording, CaptureRequest, RecordedCapture

__all__ = ["CaptureRecording", "CaptureRequest", "RecordedCapture"]
