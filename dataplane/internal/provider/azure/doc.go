// Package azure serves the deployments of Azure OpenAI and of Azure AI Foundry.
// Their wire is OpenAI's, so package compat carries it, bytes untouched; this
// package knows where a deployment is called and how it is paid for: Azure's
// URLs by deployment, the newer v1 API, keys and tokens of Entra ID. Claude at
// Foundry speaks Anthropic's wire and goes through that codec.
//
// It starts no goroutine.
//
// Wire facts: https://learn.microsoft.com/azure/ai-foundry/openai/reference and
// https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle
package azure
