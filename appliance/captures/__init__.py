"""Web captures: what a capture gave is dated, recorded in the log and kept, and put into evidence packages."""

from appliance.captures.recording import CaptureRecording, CaptureRequest, RecordedCapture

__all__ = ["CaptureRecording", "CaptureRequest", "RecordedCapture"]
