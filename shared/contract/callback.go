package contract

// SealedText is in front of a text inside metadata that is sealed, in base64.
const SealedText = "sealed:v1:"

// TeamCallbackPurpose is what the secrets of a team's callbacks are sealed for
// (metadata.logging of the team).
func TeamCallbackPurpose(teamID string) string { return "team-callback/" + teamID }
