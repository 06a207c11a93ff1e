"""Who the workers are, read off the answers of Google's and Kubernetes' APIs: pure rules, no client, no clock."""
