"""The edge to Google: the Cloud DNS client, the project-policy client, and what their failures mean."""
