package price

// Unit is something that a price is charged for. Prices are for a million.
type Unit uint8

// The units. Tokens of a special kind that have no price of their own cost
// what the ordinary ones do.
const (
	Input      Unit = iota // tokens of the prompt
	Output                 // tokens of the answer
	CacheRead              // tokens of the prompt that the vendor's cache held
	CacheWrite             // tokens that went into it for five minutes
	CacheWrite1h
	Reasoning // tokens of the answer that nobody sees
	AudioInput
	AudioOutput
	AudioCacheRead
	AudioCacheWrite
	ImageInput
	ImageOutput
	ImageCacheRead
	VideoInput
	VideoOutput
	Citation // Perplexity's tokens of cited sources, beside the prompt's

	InputCharacter
	OutputCharacter

	// Seconds. The generic ones are of audio for speech models, else of the
	// time that the request took.
	InputSecond
	OutputSecond
	AudioSecond // in either direction
	AudioInputSecond
	AudioOutputSecond
	VideoInputSecond
	VideoInputSecondOver8  // of clips that are longer than 8 s
	VideoInputSecondOver15 // of clips that are longer than 15 s
	VideoOutputSecond
	VideoOutputSecond480p
	VideoOutputSecond720p
	VideoOutputSecond768p
	VideoOutputSecond1080p
	VideoOutputSecond2k
	VideoOutputSecond4k

	InputImage
	OutputImage
	OutputImagePremium
	OutputImageOver512 // both sides longer than 512 pixels
	OutputImageOver512Premium
	OutputImageOver1024
	OutputImageOver1024Premium
	OutputImage512 // the longer side is at most 512 pixels
	OutputImage1024
	OutputImage1536
	InputPixel
	OutputPixel

	Page
	AnnotatedPage // the whole price of a page with annotations
	PageCredit    // what an OCR vendor calls a credit

	SearchQuery // of a search or a reranking
	Request
	TextMessage // of a voice session

	WebSearchLow
	WebSearch // of medium context size
	WebSearchHigh
	MapsSearch
	FileSearch
	FileSearchGBDay
	VectorStoreGBDay
	CodeSession
	ComputerInput  // tokens of computer use
	ComputerOutput // tokens of computer use

	// What is not a price but comes with them, in millionths.
	UpliftEU       // factor on tokens that stay in the EU
	UpliftUS       // factor on tokens that stay in the US
	UpliftRegional // factor on tokens at a regional endpoint
	UpliftFast     // factor on tokens in fast mode
	MinimumAudioSecond

	unitCount
)

// String returns the name of the unit in tables and records.
func (u Unit) String() string {
	if u >= unitCount {
		return "unknown"
	}
	return unitNames[u]
}

//nolint:gochecknoglobals // read-only table
var unitNames = [unitCount]string{
	Input: "input", Output: "output", CacheRead: "cache_read", CacheWrite: "cache_write", CacheWrite1h: "cache_write_1h", Reasoning: "reasoning",
	AudioInput: "audio_input", AudioOutput: "audio_output", AudioCacheRead: "audio_cache_read", AudioCacheWrite: "audio_cache_write",
	ImageInput: "image_input", ImageOutput: "image_output", ImageCacheRead: "image_cache_read", VideoInput: "video_input", VideoOutput: "video_output",
	Citation: "citation", InputCharacter: "input_character", OutputCharacter: "output_character",
	InputSecond: "input_second", OutputSecond: "output_second", AudioSecond: "audio_second", AudioInputSecond: "audio_input_second",
	AudioOutputSecond: "audio_output_second", VideoInputSecond: "video_input_second", VideoInputSecondOver8: "video_input_second_over_8s",
	VideoInputSecondOver15: "video_input_second_over_15s", VideoOutputSecond: "video_output_second", VideoOutputSecond480p: "video_output_second_480p",
	VideoOutputSecond720p: "video_output_second_720p", VideoOutputSecond768p: "video_output_second_768p", VideoOutputSecond1080p: "video_output_second_1080p",
	VideoOutputSecond2k: "video_output_second_2k", VideoOutputSecond4k: "video_output_second_4k",
	InputImage: "input_image", OutputImage: "output_image", OutputImagePremium: "output_image_premium", OutputImageOver512: "output_image_over_512",
	OutputImageOver512Premium: "output_image_over_512_premium", OutputImageOver1024: "output_image_over_1024",
	OutputImageOver1024Premium: "output_image_over_1024_premium", OutputImage512: "output_image_512", OutputImage1024: "output_image_1024",
	OutputImage1536: "output_image_1536", InputPixel: "input_pixel", OutputPixel: "output_pixel",
	Page: "page", AnnotatedPage: "annotated_page", PageCredit: "page_credit", SearchQuery: "query", Request: "request", TextMessage: "text_message",
	WebSearchLow: "web_search_low", WebSearch: "web_search", WebSearchHigh: "web_search_high", MapsSearch: "maps_search", FileSearch: "file_search",
	FileSearchGBDay: "file_search_gb_day", VectorStoreGBDay: "vector_store_gb_day", CodeSession: "code_session", ComputerInput: "computer_input",
	ComputerOutput: "computer_output", UpliftEU: "uplift_eu", UpliftUS: "uplift_us", UpliftRegional: "uplift_regional", UpliftFast: "uplift_fast",
	MinimumAudioSecond: "minimum_audio_second",
}

func unitNamed(name string) (Unit, bool) {
	for u := range unitCount {
		if unitNames[u] == name {
			return u, true
		}
	}
	return 0, false
}

// halved reports whether a batch costs half of the unit's price where it has
// no batch price: everything that a model reads and writes does, tools do not.
func (u Unit) halved() bool { return u < SearchQuery }

// Tier is the service that a request was answered in.
type Tier uint8

// The tiers. What a tier has no price for costs the standard one, except that
// a batch costs half.
const (
	Standard Tier = iota
	Priority
	Flex
	Batch
	tierCount
)

// String returns the name of the tier in tables and records.
func (t Tier) String() string {
	if t >= tierCount {
		return "unknown"
	}
	return [tierCount]string{"standard", "priority", "flex", "batch"}[t]
}

// ParseTier reads a service tier as requests and responses name it; what has
// no price of its own (auto, default, scale, …) is Standard.
func ParseTier(name string) Tier {
	switch name {
	case "priority", "ON_DEMAND_PRIORITY":
		return Priority
	case "flex", "ON_DEMAND_FLEX":
		return Flex
	case "batch":
		return Batch
	default:
		return Standard
	}
}
